/** What delivering a message to one subscriber takes, in the unit in which work is counted: a 64th of it. */
export const WORK_OF_DELIVERY = 64;
