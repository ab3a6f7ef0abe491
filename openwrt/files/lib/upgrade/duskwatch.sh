# shellcheck shell=dash
# shellcheck disable=SC2034 # sysupgrade reads the variable
#
# sysupgrade reads this before it makes a backup, so that the counters in it are those of now, not of the last
# snapshot, and reads it again in its second stage, where nothing of it is used.

duskwatch_save() {
	local script="${IPKG_INSTROOT}/etc/init.d/duskwatch"
	# What is printed could become part of a backup that is written to stdout.
	[ ! -x "$script" ] || "$script" save >/dev/null 2>&1
}

# In front of those that list the files.
sysupgrade_init_conffiles="duskwatch_save ${sysupgrade_init_conffiles:-}"
