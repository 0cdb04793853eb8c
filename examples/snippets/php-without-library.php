<?php

// php examples/snippets/php-without-library.php CHANNEL EVENT 'JSON'          (nothing to install)

/**
 * Returns once Fanfare has taken the event; throws otherwise.
 *
 * @param array<int, string> $channels
 */
function trigger(array $channels, string $name, mixed $data): void
{
    $url = getenv('FANFARE_URL') ?: 'http://127.0.0.1:6001';
    $appId = getenv('PUSHER_APP_ID') ?: 'app-id';
    $key = getenv('PUSHER_APP_KEY') ?: 'app-key';
    $secret = getenv('PUSHER_APP_SECRET') ?: 'app-secret';

    $body = json_encode(['name' => $name, 'channels' => $channels, 'data' => json_encode($data)], JSON_THROW_ON_ERROR);
    $path = "/apps/$appId/events";
    $query = "auth_key=$key&auth_timestamp=".time().'&auth_version=1.0&body_md5='.md5($body);
    $signature = hash_hmac('sha256', "POST\n$path\n$query", $secret);

    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => 'Content-Type: application/json',
        'content' => $body,
        'timeout' => 5,
        'ignore_errors' => true,
    ]]);
    $answer = file_get_contents("$url$path?$query&auth_signature=$signature", false, $context);
    if ($answer === false || ! str_contains($http_response_header[0], ' 200 ')) {
        throw new RuntimeException("not sent: {$http_response_header[0]} $answer");
    }
}

[, $channel, $event, $data] = $argv + [1 => 'news', 2 => 'message', 3 => '{}'];
trigger([$channel], $event, json_decode($data, false, 512, JSON_THROW_ON_ERROR));
