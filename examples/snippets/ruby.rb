# ruby examples/snippets/ruby.rb CHANNEL EVENT 'JSON'          (gem install pusher)
require 'json'
require 'pusher'
require 'uri'

url = URI(ENV.fetch('FANFARE_URL', 'http://127.0.0.1:6001'))
client = Pusher::Client.new(
  app_id: ENV.fetch('PUSHER_APP_ID', 'app-id'),
  key: ENV.fetch('PUSHER_APP_KEY', 'app-key'),
  secret: ENV.fetch('PUSHER_APP_SECRET', 'app-secret'),
  scheme: url.scheme,
  host: url.host,
  port: url.port
)

channel, event, data = ARGV
client.trigger(channel || 'news', event || 'message', JSON.parse(data || '{}'))
