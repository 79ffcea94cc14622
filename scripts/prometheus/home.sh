# Where promtool is; read by install.sh and check.sh.
# shellcheck shell=bash disable=SC2034  # the readers use it
if [ -n "${VOX_TEST_PROMETHEUS:-}" ]; then
    home=$VOX_TEST_PROMETHEUS
elif [ "$(id -u)" = 0 ]; then
    home=/var/cache/vox-test-prometheus
else
    home=${XDG_CACHE_HOME:-$HOME/.cache}/vox-test-prometheus
fi
