/** What a turn's work can be: 1 to 15 are Control Packet types, each with all that it causes. Names are those of the gauge's label. */
export const WORK_KINDS = [
  'other',
  'connect',
  'connack',
  'publish',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'subscribe',
  'suback',
  'unsubscribe',
  'unsuback',
  'pingreq',
  'pingresp',
  'disconnect',
  'auth',
  'write',
  'deadline',
  'commit',
  'session',
  'replay',
  'api',
] as const;

/** Indices of the kinds that are no packets. */
export const Work = {
  other: 0,
  /** Handing bytes to the system. */
  write: 16,
  /** What was due: Wills, ends of sessions, Keep Alive. */
  deadline: 17,
  /** What had waited for the disk. */
  commit: 18,
  /** A session's beginning or end with all its subscriptions. */
  session: 19,
  /** Retained messages for a new subscription. */
  replay: 20,
  /** Requests to the HTTP API and `explain`. */
  api: 21,
} as const;

/** What a packet takes before anything is done with it: 0.15 microseconds. */
export const WORK_OF_PACKET = 30;
/** To ask a policy what is not remembered: ten microseconds. */
export const WORK_OF_QUESTION = 2000;
/** To refuse a packet or a part of it, and to tell all who want to know: three microseconds. */
export const WORK_OF_REFUSAL = 600;
/** To set or remove a subscription: twelve microseconds. */
export const WORK_OF_FILTER = 2400;
/** One write to the system: eight microseconds. */
export const WORK_OF_WRITE = 1600;
/** A write takes one more unit for each 2 ** 4 bytes. */
export const WRITTEN_BYTES_TO_WORK = 4;
/** To tell somebody that its time has come: a microsecond. */
export const WORK_OF_DEADLINE = 200;
