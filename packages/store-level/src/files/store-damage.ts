/** One thing that is wrong with a data directory. */
export interface StoreDamage {
  /** File name, or what else it is about. */
  readonly where: string;
  readonly what: string;
}
