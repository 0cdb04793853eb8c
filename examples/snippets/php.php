<?php

// php examples/snippets/php.php CHANNEL EVENT 'JSON'          (composer require pusher/pusher-php-server)
require __DIR__.'/vendor/autoload.php';

$url = parse_url(getenv('FANFARE_URL') ?: 'http://127.0.0.1:6001');
$tls = $url['scheme'] === 'https';
$pusher = new Pusher\Pusher(
    getenv('PUSHER_APP_KEY') ?: 'app-key',
    getenv('PUSHER_APP_SECRET') ?: 'app-secret',
    getenv('PUSHER_APP_ID') ?: 'app-id',
    [
        'host' => $url['host'],
        'port' => $url['port'] ?? ($tls ? 443 : 80),
        'scheme' => $url['scheme'],
        'useTLS' => $tls,
    ],
);

[, $channel, $event, $data] = $argv + [1 => 'news', 2 => 'message', 3 => '{}'];
$pusher->trigger($channel, $event, json_decode($data, false, 512, JSON_THROW_ON_ERROR));
