import type { Negotiated } from './observer.ts';

const MOST_TEXTS = 256;
/** Of a text that is kept for other connections. */
const MOST_CHARACTERS = 4096;

/**
 * What connections asked for and got, as JSON: devices of one kind ask for the same, so the text is one for all of them.
 * Parameters that were neither asked for nor granted are left out, and so is what is each client's own.
 */
export class NegotiatedTexts {
  readonly #texts = new Map<string, string>();
  #last: Negotiated | undefined;
  #lastText = '';

  of(negotiated: Negotiated): string {
    if (negotiated === this.#last) return this.#lastText;
    this.#last = negotiated;
    const key = profileOf(negotiated);
    const known = this.#texts.get(key);
    this.#lastText = known ?? this.#add(key, JSON.stringify(compactNegotiated(negotiated)));
    return this.#lastText;
  }

  #add(key: string, text: string): string {
    // Clients choose some of it: what nobody else has asked for is not kept for others.
    if (key.length > MOST_CHARACTERS) return text;
    if (this.#texts.size >= MOST_TEXTS) this.#texts.clear();
    this.#texts.set(key, text);
    return text;
  }
}

/** The same for connections whose `compactNegotiated` is the same. */
function profileOf(negotiated: Negotiated): string {
  let profile = '';
  for (const name in negotiated) {
    const { requested, granted, effective } = negotiated[name] ?? NOTHING;
    if (name === 'clientId') profile += requested === effective ? '' : String(effective);
    else if (name === 'will') profile += requested === undefined ? ';' : ';will';
    else profile += `;${name}=${requested}=${granted}=${effective}`;
  }
  return profile;
}

const NOTHING: Negotiated[string] = { requested: undefined, granted: undefined, effective: undefined };

/** Only what says something, and nothing that is each client's own: its name, unless it was given one, and its Will. */
function compactNegotiated({ clientId, will, ...others }: Negotiated): Negotiated {
  const kept = Object.entries(others).filter(
    ([, { requested, effective }]) => requested !== undefined || effective !== undefined,
  );
  const hasWill = will?.requested !== undefined;
  const assigned = clientId !== undefined && clientId.requested !== clientId.effective;
  return {
    ...(assigned ? { clientId } : {}),
    ...Object.fromEntries(kept),
    ...(hasWill ? { will: { requested: true, granted: undefined, effective: true } } : {}),
  };
}
