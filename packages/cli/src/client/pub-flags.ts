/** Flags of `hawser pub` that are its own. */
export interface PubFlags {
  readonly file?: string;
  readonly stdin?: boolean;
  readonly lines?: boolean;
  readonly empty?: boolean;
  readonly verbose?: boolean;
}
