/** The rules that Fanfare ships are the ones: domain.{domainId}, user.{userId} and admin.{adminId}. */
export { default } from '../../config/channels.js';
