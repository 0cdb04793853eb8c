<?php

namespace App\Events;

use App\Models\Message;
use Illuminate\Broadcasting\Channel;
use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;

/** broadcast(new MessageSent($message))->toOthers(); */
class MessageSent implements ShouldBroadcast
{
    use InteractsWithSockets;

    public function __construct(private Message $message) {}

    /** Becomes private-domain.7 on the wire. */
    public function broadcastOn(): Channel
    {
        return new PrivateChannel('domain.'.$this->message->domain_id);
    }

    /** With a name of one's own Echo listens with a dot in front: .listen('.message.sent', …) */
    public function broadcastAs(): string
    {
        return 'message.sent';
    }

    /** @return array<string, mixed> */
    public function broadcastWith(): array
    {
        return [
            'domainId' => $this->message->domain_id,
            'author' => $this->message->author->name,
            'text' => $this->message->text,
        ];
    }
}
