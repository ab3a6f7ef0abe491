# shellcheck shell=dash
# Stand-in for OpenWrt's /lib/functions/network.sh, written for the tests: it knows what ROOT/netifd says.

# network_get WHAT VARIABLE NETWORK
network_get() {
	local network_line
	network_line=$(sed -n "s/^$3 $1 //p" "$IPKG_INSTROOT/netifd")
	eval "$2=\$network_line"
	[ -n "$network_line" ]
}

network_get_device() { network_get device "$@"; }
network_get_ipaddrs() { network_get ipaddrs "$@"; }
network_get_ipaddrs6() { network_get ipaddrs6 "$@"; }
network_get_subnets() { network_get subnets "$@"; }
network_get_subnets6() { network_get subnets6 "$@"; }
