#!/bin/sh
# What the packages feed's CI runs where it has installed a package: test.sh NAME VERSION.

case "$1" in
duskwatch)
	[ "$(duskwatch --version)" = "duskwatch $2" ]
	;;
esac
