# Prints which of the hosts Ruby connects to that trusts a CA: trusts.rb CA PORT HOST..., all at loopback.
require "openssl"
require "socket"

ca, port, *hosts = ARGV
context = OpenSSL::SSL::SSLContext.new
context.set_params(ca_file: ca)
hosts.each do |host|
  line = OpenSSL::SSL::SSLSocket.new(TCPSocket.new("127.0.0.1", port.to_i), context)
  line.hostname = host unless host.match?(/\A[\d.]+\z/)
  line.connect
  line.post_connection_check(host)
  line.close
  puts host
rescue OpenSSL::SSL::SSLError => error
  warn "#{host}: #{error.message}"
end
