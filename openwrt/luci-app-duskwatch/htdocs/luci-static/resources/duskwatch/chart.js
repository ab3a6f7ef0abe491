'use strict';
'require baseclass';
'require duskwatch.units as units';

/* Bar charts as SVG. Every text becomes a text node. */

const SVG = 'http://www.w3.org/2000/svg';

/* The drawing and the plot in it, in SVG user units. */
const WIDTH = 640, HEIGHT = 172, LEFT = 74, RIGHT = 632, TOP = 14, BOTTOM = 150;

/* From the ground up. They are told apart on a light and on a dark page. */
const DIRECTIONS = [
	[ 'inbound', '#3d8bea' ],
	[ 'outbound', '#e2942c' ],
	[ 'other', '#8490a0' ]
];

/* The vertical axis goes up to this at least. */
const SMALLEST = 1000;

function svg(tag, attributes, children) {
	const node = document.createElementNS(SVG, tag);

	for (let name in attributes)
		node.setAttribute(name, attributes[name]);

	node.append.apply(node, children || []);

	return node;
}

function label(x, y, anchor, text) {
	return svg('text', { 'x': x, 'y': y, 'text-anchor': anchor, 'fill': 'currentColor', 'font-size': 11 }, [ text ]);
}

/* The smallest of 1, 2, 5, 10, 20, ... that is no less than this. */
function roundUp(number) {
	const power = Math.pow(10, Math.floor(Math.log10(number)));

	return [ 1, 2, 5, 10 ].map(function(digit) { return digit * power; })
		.find(function(candidate) { return candidate >= number; });
}

return baseclass.extend({
	DIRECTIONS: DIRECTIONS,

	/**
	 * Draws a history, oldest bar first.
	 *
	 * @param title what the chart shows
	 * @param bars the daemon's, {start, inbound, outbound, other}
	 * @param slots how many bars there are when the history is full; the latest is at the right
	 * @param seconds the length of a bar, to draw rates; null to draw volumes
	 */
	draw: function(title, bars, slots, seconds) {
		const height = function(counters) {
			return seconds ? counters.bytes * 8 / seconds : counters.bytes;
		};
		const amount = seconds ? units.rate : units.bytes;
		const sum = function(bar) {
			return DIRECTIONS.reduce(function(total, direction) { return total + height(bar[direction[0]]); }, 0);
		};
		const top = roundUp(Math.max.apply(null, bars.map(sum).concat(SMALLEST)));
		const scale = (BOTTOM - TOP) / top;
		const pitch = (RIGHT - LEFT) / slots;
		const nodes = [ svg('title', {}, [ title ]) ];

		[ 0, 0.5, 1 ].forEach(function(part) {
			const y = BOTTOM - part * (BOTTOM - TOP);

			nodes.push(svg('line', { 'x1': LEFT, 'x2': RIGHT, 'y1': y, 'y2': y, 'stroke': 'currentColor',
				'stroke-opacity': part ? 0.2 : 0.6 }));
			nodes.push(label(LEFT - 6, y + 4, 'end', amount(part * top)));
		});

		const first = RIGHT - bars.length * pitch;

		/* Below a short history there is room for one of them. */
		if (bars.length > slots / 2)
			nodes.push(label(first, HEIGHT - 6, 'start', units.time(bars[0].start)));
		if (bars.length)
			nodes.push(label(RIGHT, HEIGHT - 6, 'end', units.time(bars[bars.length - 1].start)));

		bars.forEach(function(bar, index) {
			const x = first + index * pitch;
			const words = DIRECTIONS.map(function(direction) { return amount(height(bar[direction[0]])); });
			let y = BOTTOM;

			/* The first child is what the pointer sees: the whole slot, however low the bar is. */
			nodes.push(svg('g', { 'class': 'bar' }, [
				svg('title', {}, [ units.time(bar.start) + '\n' + _('in %s, out %s, other %s').format(words[0], words[1], words[2]) ]),
				svg('rect', { 'x': x, 'y': TOP, 'width': pitch, 'height': BOTTOM - TOP, 'fill': 'transparent' })
			].concat(DIRECTIONS.map(function(direction) {
				const size = height(bar[direction[0]]) * scale;

				y -= size;

				return svg('rect', { 'class': direction[0], 'x': x + 0.1 * pitch, 'y': y, 'width': 0.8 * pitch,
					'height': size, 'fill': direction[1] });
			}))));
		});

		return svg('svg', { 'viewBox': [ 0, 0, WIDTH, HEIGHT ].join(' '), 'role': 'img', 'style': 'width:100%' }, nodes);
	}
});
