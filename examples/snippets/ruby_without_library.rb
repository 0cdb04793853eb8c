# ruby examples/snippets/ruby_without_library.rb CHANNEL EVENT 'JSON'          (nothing to install)
require 'digest'
require 'json'
require 'net/http'
require 'openssl'

# Returns once Fanfare has taken the event; raises otherwise.
def trigger(channels, name, data)
  url = ENV.fetch('FANFARE_URL', 'http://127.0.0.1:6001')
  app_id = ENV.fetch('PUSHER_APP_ID', 'app-id')
  key = ENV.fetch('PUSHER_APP_KEY', 'app-key')
  secret = ENV.fetch('PUSHER_APP_SECRET', 'app-secret')

  body = JSON.generate(name: name, channels: channels, data: JSON.generate(data))
  path = "/apps/#{app_id}/events"
  md5 = Digest::MD5.hexdigest(body)
  query = "auth_key=#{key}&auth_timestamp=#{Time.now.to_i}&auth_version=1.0&body_md5=#{md5}"
  signature = OpenSSL::HMAC.hexdigest('SHA256', secret, "POST\n#{path}\n#{query}")

  response = Net::HTTP.post(URI("#{url}#{path}?#{query}&auth_signature=#{signature}"), body, 'Content-Type' => 'application/json')
  raise "not sent: #{response.code} #{response.body}" unless response.is_a?(Net::HTTPOK)
end

channel, event, data = ARGV
trigger([channel || 'news'], event || 'message', JSON.parse(data || '{}'))
