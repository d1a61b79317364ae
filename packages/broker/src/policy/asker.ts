/**
 * Whoever questions are asked for: one connection, or the broker itself. When it ends, every question that is still open is
 * aborted. A policy that answers at once costs no AbortController of its own: the next question gets the same signal.
 */
export class Asker {
  #next: AbortController | undefined;
  #open: Map<AbortController, () => void> | undefined;
  #hasEnded = false;

  /** Questions that have no answer yet. */
  get open(): number {
    return this.#open?.size ?? 0;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** For the next question. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The question that was given `signal` has only promised an answer. `onEnd` is called when nobody waits for it any more. */
  wait(onEnd: () => void): AbortController {
    const controller = this.#controller;
    this.#next = undefined;
    this.#open ??= new Map();
    this.#open.set(controller, onEnd);
    return controller;
  }

  /** Its answer is there, or was given up. */
  settle(controller: AbortController): void {
    this.#open?.delete(controller);
  }

  /** Nobody waits for answers any more. */
  end(): void {
    this.#hasEnded = true;
    this.#next?.abort();
    const open = this.#open;
    this.#open = undefined;
    for (const [controller, onEnd] of open ?? []) {
      controller.abort();
      onEnd();
    }
  }

  get #controller(): AbortController {
    if (this.#next !== undefined) return this.#next;
    this.#next = new AbortController();
    if (this.#hasEnded) this.#next.abort();
    return this.#next;
  }
}
