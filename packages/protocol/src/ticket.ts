/**
 * A place in the order in which things reach the disk. What a ticket stands for is on disk (it survives kill -9 and
 * power loss) once the store's `committed` has reached it. Tickets only grow; `0` needs no disk.
 */
export type Ticket = number;

/** Nothing to wait for. */
export const NO_TICKET: Ticket = 0;
