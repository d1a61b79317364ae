import picocolors from 'picocolors';

/** Colours for a terminal, and for nobody else: what is piped is read by programs, in CI too. `NO_COLOR` is obeyed. */
export const colors = picocolors.createColors(process.stdout.isTTY === true && picocolors.isColorSupported);
