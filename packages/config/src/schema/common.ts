import { addressSet } from '@hawser/auth';
import { z } from 'zod';

/** A text that nobody should see: in clear, or where it is to be had from. */
export const secretSchema = z.union(
  [
    z.string().min(1),
    z.strictObject({ file: z.string().min(1).describe('A file with it alone.') }),
    z.strictObject({ env: z.string().min(1).describe('The environment variable that has it.') }),
  ],
  { error: 'takes a text, {file: PATH} or {env: NAME}' },
);

export type Secret = z.infer<typeof secretSchema>;

const ADDRESS_WORDS = 'takes addresses and networks, such as 10.0.0.0/8, 2001:db8::1 or loopback';

export const addressesSchema = z
  .union([z.string(), z.array(z.string())], { error: ADDRESS_WORDS })
  .transform((value) => (typeof value === 'string' ? [value] : value))
  .refine(isAddresses, { error: ADDRESS_WORDS });

/** One text, or several. */
export const textsSchema = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)], {
  error: 'takes a text or a list of texts',
});

export function isAddresses(entries: readonly string[]): boolean {
  try {
    addressSet(entries);
    return true;
  } catch {
    return false;
  }
}
