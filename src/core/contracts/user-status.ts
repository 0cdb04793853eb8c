/** Channels of one user on which its status is told. */
export const MAX_STATUS_CHANNELS = 100;

/** A status is known for so long after the user has last signed in, or come or gone: 30 days. */
export const MAX_STATUS_SECONDS = 2_592_000;

/** A user as it was last told of. */
export interface UserStatus {
  readonly online: boolean;
  /** Since when. */
  readonly atMs: number;
}

export interface StatusChange extends UserStatus {
  /** The id of the fact in the outbox, by which a repeated change is recognised. */
  readonly factId: string;
}

/** Who is known to be online or not, and where that is told, over all nodes. Calls reject with BrokerUnavailable. */
export interface UserStatuses {
  /** Where the user's status is told from now on: before the user is signed in. */
  remember(appId: string, userId: string, channels: readonly string[]): Promise<void>;
  /** Gives the channels to tell it on; undefined if nothing has changed. The same change again gives them again. */
  change(appId: string, userId: string, change: StatusChange): Promise<readonly string[] | undefined>;
  /** In the order of the ids; undefined for who was never told of, or too long ago. */
  read(appId: string, userIds: readonly string[]): Promise<readonly (UserStatus | undefined)[]>;
}
