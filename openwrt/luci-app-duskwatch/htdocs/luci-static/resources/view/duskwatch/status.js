'use strict';
'require view';
'require rpc';
'require poll';
'require dom';
'require uci';
'require duskwatch.units as units';
'require duskwatch.chart as chart';

/*
 * Names, addresses and what else comes from the network are strangers' words. They are passed to E() and
 * dom.content() in arrays only: LuCI makes text nodes of strings in an array, but markup of a lone string.
 */

/* Seconds between two looks at the daemon. */
const INTERVAL = 5;

/* The port of the daemon's pages unless its configuration says otherwise. */
const PORT = 6677;

const callSummary = rpc.declare({ object: 'duskwatch', method: 'summary', params: [ 'interface' ], reject: true });
const callDarknet = rpc.declare({ object: 'duskwatch', method: 'darknet', reject: true });

/* What a call answers, or, if it fails, an object with an error as the plugin would make it. */
function orError(call) {
	return call.catch(function(error) {
		return { error: { code: 'ubus', message: error.message } };
	});
}

function explain(error) {
	switch (error.code) {
	case 'unreachable':
		return _('duskwatch does not answer. It may be stopped or about to start; the system log says more.');
	case 'not_found':
		return _('There is no such interface any more.');
	default:
		return _('The router did not answer as expected: %s').format(error.message);
	}
}

/* How much of the traffic was seen, in words. */
function coverage(books) {
	if (!books.coverage)
		return _('It is not known how much of the traffic was seen: there is no kernel counter to compare with.');

	const percent = books.coverage.percent;

	if (percent == null)
		return _('Nothing has passed yet that could be compared with the kernel\'s counters.');

	if (percent >= 100)
		return _('All bytes that passed this interface were seen.');

	return _('%s %% of this interface\'s bytes were seen. The rest passed where a capture cannot look (hardware flow offloading), or faster than it could.').format(percent);
}

/* What was captured, and what was lost and why. */
function losses(books) {
	const discarded = Object.values(books.discarded).reduce(function(sum, frames) { return sum + frames; }, 0);
	const lines = [ _('%s frames were captured.').format(units.count(books.captured.packets)) ];

	if (books.dropped_by_kernel > 0)
		lines.push(_('%s frames were lost before that, because they came faster than they could be read.').format(units.count(books.dropped_by_kernel)));

	if (discarded > 0)
		lines.push(_('%s frames could not be accounted.').format(units.count(discarded)));

	return lines;
}

/*
 * The host of the daemon's own pages: that of LuCI, unless the pages are told to listen elsewhere. Left to
 * themselves they listen on the LANs' addresses.
 */
function pageHost(bind) {
	const here = window.location.hostname;
	const addresses = bind.filter(function(address) { return !/^(127\.|::1$)/.test(address); }).map(function(address) {
		return address.includes(':') ? '[%s]'.format(address) : address;
	});

	if (!addresses.length || addresses.includes(here) || addresses.includes('0.0.0.0') || addresses.includes('[::]'))
		return here;

	return addresses[0];
}

/* A host as people know it. */
function nameOf(host) {
	return host.name ? '%s (%s)'.format(host.name, host.address) : host.address;
}

function table(titles, rows, nothing) {
	const cells = function(tag, texts) {
		return texts.map(function(text, column) {
			return E(tag, { 'class': tag, 'data-title': titles[column] }, [ text ]);
		});
	};

	return E('table', { 'class': 'table' }, [ E('tr', { 'class': 'tr table-titles' }, cells('th', titles)) ]
		.concat(rows.map(function(texts, index) {
			return E('tr', { 'class': 'tr cbi-rowstyle-%d'.format(1 + index % 2) }, cells('td', texts));
		}))
		.concat(rows.length ? [] : [ E('tr', { 'class': 'tr placeholder' }, [ E('td', { 'class': 'td' }, [ nothing ]) ]) ]));
}

return view.extend({
	load: function() {
		return Promise.all([ this.fetch(), uci.load('duskwatch') ]);
	},

	/* Asks the daemon for all that is shown. */
	fetch: function() {
		const wanted = this.wanted;

		return Promise.all([ orError(callSummary(wanted)), orError(callDarknet()) ]).then(function(answers) {
			return { wanted: wanted, summary: answers[0], darknet: answers[1] };
		});
	},

	render: function(loaded) {
		const self = this;

		this.problem = E('div', { 'class': 'duskwatch-problem' });
		this.chooser = E('select', { 'class': 'cbi-input-select', 'aria-label': _('Interface'), 'change': function(ev) {
			self.wanted = ev.target.value;
			return self.refresh();
		} });
		this.body = E('div', { 'class': 'duskwatch' });
		this.show(loaded[0]);
		poll.add(function() { return self.refresh(); }, INTERVAL);

		return E('div', {}, [
			E('h2', {}, [ _('Traffic') ]),
			E('p', {}, [ _('Interface'), ': ', this.chooser, ' ', this.ownPage() ]),
			this.problem,
			this.body
		]);
	},

	/* A link to the daemon's own pages, which show more. */
	ownPage: function() {
		const port = uci.get('duskwatch', 'web', 'port') || PORT;
		const base = (uci.get('duskwatch', 'web', 'base') || '').split('/').filter(Boolean);
		const host = pageHost([].concat(uci.get('duskwatch', 'web', 'bind') || []));
		const url = [ 'http://%s:%s'.format(host, port) ].concat(base.map(encodeURIComponent), '').join('/');

		return E('a', { 'class': 'duskwatch-pages', 'href': url, 'target': '_blank', 'rel': 'noreferrer' },
			[ _('All pages of duskwatch') ]);
	},

	refresh: function() {
		const self = this;

		return this.fetch().then(function(answers) { self.show(answers); });
	},

	show: function(answers) {
		const summary = answers.summary;
		const darknet = answers.darknet;
		const error = summary.error || darknet.error;

		/* An answer about an interface that is no longer the chosen one comes too late. */
		if (answers.wanted !== this.wanted)
			return;

		dom.content(this.problem, error ? [ E('p', { 'class': 'alert-message warning' }, [ explain(error) ]) ] : []);

		/* Numbers that may be old are worse than none. */
		if (error) {
			if (error.code == 'not_found')
				this.wanted = undefined;

			dom.content(this.body, []);
			return;
		}

		this.choices(summary);
		dom.content(this.body, [].concat(
			this.state(summary),
			this.charts(summary),
			this.devices(summary),
			this.dark(darknet.darknet)
		));
	},

	/* Fills the selector, unless it already offers these interfaces: somebody may be choosing. */
	choices: function(summary) {
		const names = summary.interfaces.map(function(choice) { return choice.name; });

		if (names.join('\n') != this.names) {
			dom.content(this.chooser, summary.interfaces.map(function(choice) {
				return E('option', { 'value': choice.name }, [ '%s (%s)'.format(choice.name, choice.role) ]);
			}));
			this.names = names.join('\n');
		}

		this.chooser.value = summary['interface'];
	},

	state: function(summary) {
		const rates = summary.bits_per_second;
		/* What whoever started the daemon wants its readers to know, such as that traffic is offloaded. */
		const notice = summary.notice ? [ E('p', { 'class': 'alert-message notice' }, [ summary.notice ]) ] : [];

		return notice.concat([
			E('p', { 'class': 'duskwatch-now' }, [ E('strong', {}, [
				_('Now in %s, out %s').format(units.rate(rates.inbound), units.rate(rates.outbound))
			]) ]),
			E('p', { 'class': 'duskwatch-coverage' }, [ coverage(summary.books) ]),
			E('p', { 'class': 'duskwatch-losses' }, [ losses(summary.books).join(' ') ])
		]);
	},

	charts: function(summary) {
		const colors = [ _('in'), _('out'), _('other (local, or passing through)') ];
		const periods = [
			[ _('Last 60 seconds'), 'seconds', 60, 1 ],
			[ _('Last 60 minutes'), 'minutes', 60, 60 ],
			[ _('Last 24 hours'), 'hours', 24, null ],
			[ _('Last 31 days'), 'days', 31, null ]
		];

		return [
			E('p', {}, colors.map(function(name, index) {
				return E('span', { 'style': 'margin-right:1em' }, [
					E('span', { 'style': 'color:%s'.format(chart.DIRECTIONS[index][1]) }, [ '■ ' ]), name
				]);
			})),
			E('div', { 'style': 'display:flex;flex-wrap:wrap;gap:1em' }, periods.map(function(period) {
				return E('figure', { 'style': 'flex:1 1 24em;margin:0', 'data-period': period[1] }, [
					E('figcaption', {}, [ period[0] ]),
					chart.draw(period[0], summary.history[period[1]], period[2], period[3])
				]);
			}))
		];
	},

	/* The local hosts with the most traffic. Their rates are those since the last look. */
	devices: function(summary) {
		const seconds = this.before && this.before['interface'] == summary['interface'] ? summary.time - this.before.time : 0;
		const before = {};

		if (seconds > 0)
			this.before.top_local.forEach(function(host) { before[host.address] = host; });

		const rate = function(host, column) {
			const bytes = host.address in before ? host[column].bytes - before[host.address][column].bytes : -1;

			/* A host that comes back after it had to make room starts from zero. */
			return bytes < 0 ? '–' : units.rate(bytes * 8 / seconds);
		};

		this.before = summary;

		return [
			E('h3', {}, [ _('Busiest devices') ]),
			table([ _('Device'), _('Receives'), _('Sends'), _('Received'), _('Sent') ], summary.top_local.map(function(host) {
				return [ nameOf(host), rate(host, 'received'), rate(host, 'sent'),
					units.bytes(host.received.bytes), units.bytes(host.sent.bytes) ];
			}), _('None yet'))
		];
	},

	/* Who touched addresses that nobody uses. */
	dark: function(darknet) {
		const title = E('h3', {}, [ _('Dark addresses') ]);

		const where = darknet.dark.concat(darknet.lans);

		if (!where.length)
			return [ title, E('p', {}, [ _('No address is known to be dark. Learning them can be switched on in the settings, and networks that nobody uses be named there; whoever sends a packet there is then listed here.') ]) ];

		return [
			title,
			E('p', { 'class': 'duskwatch-dark' }, [
				_('%s packets and questions were for addresses that nobody has (in %s).').format(units.count(darknet.total.packets), where.join(', '))
			]),
			table([ _('Source'), _('MAC address'), _('Interface'), _('Dark addresses'), _('Packets'), _('Last') ],
				darknet.sources.map(function(source) {
					return [ source.source, source.source_mac || '–', source['interface'] || '–', units.count(source.dark_targets),
						units.count(source.packets), units.time(source.last) ];
				}), _('None yet')),
			E('h4', {}, [ _('Last events') ]),
			table([ _('Time'), _('Event') ], darknet.events.slice().reverse().map(function(event) {
				return [ units.time(event.time), event.why ];
			}), _('None yet'))
		];
	},

	handleSave: null,
	handleSaveApply: null,
	handleReset: null
});
