# Where the test server is; read by install.sh and run.sh.
# shellcheck shell=bash disable=SC2034  # the readers use it
if [ -n "${VOX_TEST_LIVEKIT:-}" ]; then
    home=$VOX_TEST_LIVEKIT
elif [ "$(id -u)" = 0 ]; then
    home=/var/cache/vox-test-livekit
else
    home=${XDG_CACHE_HOME:-$HOME/.cache}/vox-test-livekit
fi
