/** What one packet may make the receiver do, whatever its size. A packet over a limit is a ProtocolError with a code of its own. */
export interface DecodeLimits {
  /** Levels in a Topic Name or Topic Filter; more: `topic-name-too-deep` 0x90, `topic-filter-too-deep` 0x8F. */
  readonly topicLevels: number;
  /** User Properties in one packet (a Will's are counted apart); more: `too-many-user-properties` 0x97. */
  readonly userProperties: number;
  /** Topic Filters in one SUBSCRIBE or UNSUBSCRIBE, Reason Codes in their answers; more: `too-many-topic-filters` 0x97. */
  readonly topicFilters: number;
}

/** The limits that hold where the caller gives none. */
export const defaultDecodeLimits: DecodeLimits = { topicLevels: 128, userProperties: 1_000, topicFilters: 65_535 };
