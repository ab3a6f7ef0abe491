'use strict';
'require baseclass';

/* Numbers as people read them: three digits, decimal prefixes, rounded down. */

const PREFIXES = [ '', 'k', 'M', 'G', 'T', 'P', 'E' ];

function scaled(number, unit) {
	let step = 0;

	while (number >= 1000 && step + 1 < PREFIXES.length) {
		number /= 1000;
		step++;
	}

	const digits = (step == 0 || number >= 100) ? 0 : (number >= 10 ? 1 : 2);
	const power = Math.pow(10, digits);

	return (Math.floor(number * power) / power).toFixed(digits) + '\u00a0' + PREFIXES[step] + unit;
}

return baseclass.extend({
	bytes: function(number) {
		return scaled(number, 'B');
	},

	/* Bits in a second. */
	rate: function(number) {
		return scaled(number, 'bit/s');
	},

	/* A whole number, grouped in the browser's language. */
	count: function(number) {
		return Number(number).toLocaleString();
	},

	/* Seconds since 1970, in the browser's language and time zone. */
	time: function(seconds) {
		return new Date(seconds * 1000).toLocaleString();
	}
});
