import { CONSOLE_ROLES } from '@hawser/auth';
import { z } from 'zod';
import type { Guard } from '../access/guard.ts';
import type { UserStore } from '../access/identify.ts';
import { ApiError } from '../api-error.ts';
import { Done, Paging, registry } from '../schemas.ts';
import { bodyOf, page, paramOf, queryOf, type Route } from './route.ts';

const role = z.enum(CONSOLE_ROLES);

const User = z.object({ name: z.string(), role, sessions: z.number().int() }).register(registry, { id: 'User' });

const Change = z.strictObject({
  role: role.optional(),
  password: z.string().min(8).max(1024).optional().describe('ends the sessions of the user'),
});

/** Who may log in, as `hawser passwd --console-role` has it. */
export function userRoutes(guard: Guard, store: UserStore | undefined): Route[] {
  /** Throws ApiError. */
  const users = (): UserStore => {
    if (store !== undefined) return store;
    const words =
      'the console has no file of users: make one with hawser passwd --console-role, and name it in console.users';
    throw new ApiError(409, 'no-users', words);
  };

  return [
    {
      method: 'GET',
      path: '/users',
      summary: 'Users of the console and the API',
      query: Paging,
      answer: User,
      paged: true,
      changes: false,
      role: 'admin',
      serve: (request) =>
        page(guard.users, queryOf(Paging, request), ([name, user]) => ({
          name,
          role: user.role,
          sessions: guard.sessions.countOf(name),
        })),
    },
    {
      method: 'PUT',
      path: '/users/{name}',
      summary: 'Adds a user (role and password), or changes one of the two',
      query: undefined,
      body: Change,
      answer: Done,
      paged: false,
      changes: true,
      role: 'admin',
      problems: { 409: 'There is no file of users' },
      async serve(request) {
        try {
          await users().put(paramOf(request, 'name'), bodyOf(Change, request));
        } catch (error) {
          if (error instanceof RangeError) throw new ApiError(400, 'bad-user', error.message);
          throw error;
        }
        return { done: true };
      },
    },
    {
      method: 'DELETE',
      path: '/users/{name}',
      summary: 'Takes a user out, and ends its sessions',
      query: undefined,
      answer: Done,
      paged: false,
      changes: true,
      role: 'admin',
      problems: { 409: 'There is no file of users' },
      serve(request) {
        const name = paramOf(request, 'name');
        if (!users().remove(name)) throw new ApiError(404, 'unknown-user', `there is no user ${name}`);
        return { done: true };
      },
    },
  ];
}
