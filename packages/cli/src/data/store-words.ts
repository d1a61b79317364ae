import { StoreError } from '@hawser/broker';
import { EXIT, ExitError } from '../exit-error.ts';

/** What a store's function gives; its StoreError becomes an ExitError with what to do. */
export async function inWords<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const hint = error.code === 'store-in-use' ? 'this works on the data of a broker that is stopped' : undefined;
    throw new ExitError(EXIT.failed, error.message, { cause: error, ...(hint === undefined ? {} : { hint }) });
  }
}
