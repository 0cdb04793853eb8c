import { verifyToken } from '../../support/tokens.ts';
import { platformSender } from './sender.ts';

/**
 * app/api/posts/[postId]/like/route.ts of a Next.js application: POST likes, DELETE takes it back. The user is who the
 * token says; where and how likes are stored is the application's own affair.
 */
interface RouteContext {
  readonly params: Promise<{ readonly postId: string }>;
}

export const POST = (request: Request, context: RouteContext): Promise<Response> => like(request, context, true);
export const DELETE = (request: Request, context: RouteContext): Promise<Response> => like(request, context, false);

async function like(request: Request, { params }: RouteContext, liked: boolean): Promise<Response> {
  const claims = await verifyToken(process.env.JWT_SECRET ?? '', request.headers.get('Authorization') ?? '');
  if (claims === undefined) return Response.json({ error: 'log in first' }, { status: 401 });
  const { postId } = await params;
  await platformSender().updatePostLikes(postId, String(claims.userId), liked);
  return Response.json({ liked });
}
