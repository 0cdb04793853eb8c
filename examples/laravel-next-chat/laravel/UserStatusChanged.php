<?php

namespace App\Events;

use App\Models\User;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;

/** event(new UserStatusChanged($user, 'away')); */
class UserStatusChanged implements ShouldBroadcast
{
    public function __construct(private User $user, private string $status) {}

    /**
     * The user's own tabs, their domains and the admins: one POST to Fanfare, at most 100 channels.
     *
     * @return array<int, PrivateChannel>
     */
    public function broadcastOn(): array
    {
        $domains = $this->user->domains->map(fn ($domain) => new PrivateChannel('domain.'.$domain->id));
        $admins = User::where('role', 'admin')->pluck('id')->map(fn ($id) => new PrivateChannel('admin.'.$id));

        return [new PrivateChannel('user.'.$this->user->id), ...$domains, ...$admins];
    }

    public function broadcastAs(): string
    {
        return 'user.status.changed';
    }

    /** @return array<string, string> */
    public function broadcastWith(): array
    {
        return ['userId' => (string) $this->user->id, 'status' => $this->status];
    }
}
