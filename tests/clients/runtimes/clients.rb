# The client of Ruby's own library. Each name in the arguments is a client that makes one call; prints how each went.
require 'json'
require 'net/http'

URL = URI('https://fal.run/acme/plain')
HEADERS = { 'content-type' => 'application/json' }.freeze

def outcome
  Net::HTTP.post(URL, '{}', HEADERS).body
rescue StandardError => e
  "failed: #{e.class}: #{e.message}"
end

puts ARGV.to_h { |name| [name, outcome] }.to_json
