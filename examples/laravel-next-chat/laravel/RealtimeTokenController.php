<?php

namespace App\Http\Controllers;

use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;

/**
 * Route::get('/api/realtime-token', RealtimeTokenController::class)->middleware('auth');
 *
 * Gives the user who is logged in the token that Fanfare verifies: HS256, by hand, so that it needs no package. Whoever has firebase/php-jwt
 * or tymon/jwt-auth already uses that. config/services.php: 'fanfare' => ['jwt_secret' => env('FANFARE_JWT_SECRET')]
 */
class RealtimeTokenController extends Controller
{
    private const VALID_SECONDS = 3600;

    public function __invoke(Request $request): JsonResponse
    {
        $user = $request->user();
        $claims = [
            'sub' => (string) $user->id,
            'name' => $user->name,
            'role' => $user->role,
            'domains' => $user->domains->pluck('id')->map(fn ($id) => (string) $id)->all(),
            'iat' => time(),
            'exp' => time() + self::VALID_SECONDS,
        ];

        return response()->json(['token' => self::sign($claims, config('services.fanfare.jwt_secret'))]);
    }

    /** @param array<string, mixed> $claims */
    public static function sign(array $claims, string $secret): string
    {
        $signed = self::encode(['alg' => 'HS256', 'typ' => 'JWT']).'.'.self::encode($claims);

        return $signed.'.'.self::base64Url(hash_hmac('sha256', $signed, $secret, true));
    }

    /** @param array<string, mixed> $part */
    private static function encode(array $part): string
    {
        return self::base64Url(json_encode($part, JSON_THROW_ON_ERROR));
    }

    private static function base64Url(string $bytes): string
    {
        return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
    }
}
