/** Where a whole Control Packet lies. A PacketReader describes the packet it has found in this way. */
export interface PacketBytes {
  /** Type and flags. */
  readonly firstByte: number;
  /** The array that the packet lies in. */
  readonly bytes: Uint8Array;
  /** Where the variable header begins. */
  readonly bodyStart: number;
  /** The offset behind the packet's last byte. */
  readonly end: number;
}
