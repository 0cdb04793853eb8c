/** A place in a channel's log. Offsets grow within one epoch; a log that was lost and begun anew has another epoch. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}
