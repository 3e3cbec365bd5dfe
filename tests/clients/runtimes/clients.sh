# The command curl. Each name in the arguments is a client that makes one call; prints how each went.
for name in "$@"; do
    answer=$(curl -sS --max-time 20 -H 'content-type: application/json' -d '{}' https://fal.run/acme/plain 2>&1) || answer="failed: $answer"
    printf '{"%s": "%s"}\n' "$name" "$(printf '%s' "$answer" | sed 's/["\\]/\\&/g')"
done
