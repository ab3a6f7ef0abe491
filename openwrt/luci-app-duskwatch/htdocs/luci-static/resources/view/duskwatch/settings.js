'use strict';
'require view';
'require form';

/* Checks for what LuCI has no data type for. An empty field means the default. */

function matches(pattern, hint) {
	const whole = new RegExp('^(' + pattern + ')$');

	return function(section_id, value) {
		return (!value || whole.test(value)) ? true : hint;
	};
}

const isInterface = matches('[A-Za-z0-9._@:-]+(=(lan|wan))?', _('A network or a device, such as lan or eth0.7, and perhaps =lan or =wan after it'));
const isPath = matches('/.*', _('A path that begins with /'));
const isEvidence = matches('/.*|none', _('A path that begins with /, or none'));
const isBase = matches('/[A-Za-z0-9/._~-]*', _('A path such as /duskwatch'));
const isSpan = matches('[1-9][0-9]*[smhd]', _('A number and s, m, h or d: 30m, 1h'));
const isSize = matches('[1-9][0-9]*[KMG]?', _('A number and perhaps K, M or G: 512K, 5M'));
const isAmount = matches('[1-9][0-9]*[KMGT]?', _('A number and perhaps K, M, G or T: 50G'));
const isQuota = matches('[A-Za-z0-9._@:-]+=[1-9][0-9]*[KMGT]?', _('A network, = and a size: lan=500G'));
const isCollector = matches('udp://[^ /]+', _('udp://HOST:PORT'));
const isTarget = matches('system|none|(udp|tcp)://[^ /]+', _('system, none, udp://HOST:PORT or tcp://HOST:PORT'));

/* An option that may be left out. `more` are properties such as datatype and placeholder. */
function add(section, type, name, title, help, more) {
	return Object.assign(section.option(type, name, title, help), { optional: true }, more);
}

/* A switch. It is always written down, so that the file says what is on. */
function flag(section, name, title, help, on) {
	return Object.assign(section.option(form.Flag, name, title, help), { rmempty: false, 'default': on ? '1' : '0' });
}

return view.extend({
	render: function() {
		const map = new form.Map('duskwatch', _('duskwatch'),
			_('Counts who talks to whom on this network, in fixed memory, and watches the dark. Counters go on when settings are applied.'));
		const section = function(name, title) { return map.section(form.NamedSection, name, name, title); };
		let s, o;

		map.tabbed = true;

		s = section('general', _('General'));
		flag(s, 'enabled', _('Enabled'), _('Run the service, now and at each start of the router.'), true);
		flag(s, 'verbose', _('Verbose log'), _('Write more to the system log.'), false);

		s = section('capture', _('Capture'));
		o = add(s, form.DynamicList, 'interface', _('Interfaces'),
			_('Networks or devices. Their firewall zone says whether they are a LAN or a WAN; =lan or =wan after the name says it in the zone\'s stead. Each is counted apart.'),
			{ validate: isInterface });
		[ 'lan', 'guest', 'wan' ].forEach(function(name) { o.value(name); });
		add(s, form.DynamicList, 'networks', _('Local networks'),
			_('What counts as local. Left out: the networks of the LANs, and the WANs\' own addresses.'),
			{ datatype: 'cidr', placeholder: '192.168.1.0/24' });
		add(s, form.Value, 'filter', _('Filter'), _('Count only what this pcap filter lets pass. How much was seen is then not known.'),
			{ placeholder: 'not port 22' });
		flag(s, 'promiscuous', _('Promiscuous'), _('Also see what is not addressed to this router.'), true);
		add(s, form.DynamicList, 'quota', _('Quotas'), _('What a network may move in a month, with a warning at 80 and at 100 %.'),
			{ validate: isQuota, placeholder: 'lan=500G' });
		flag(s, 'wan_despite_offload', _('Watch a WAN despite hardware offloading'),
			_('With hardware flow offloading a WAN is not watched: capturing there is known to reset routers with an MT7621.'), false);

		s = section('web', _('Pages'));
		add(s, form.Value, 'port', _('Port'), _('The port of duskwatch\'s own pages. Whoever reaches them may read them.'),
			{ datatype: 'port', optional: false, rmempty: false });
		add(s, form.DynamicList, 'bind', _('Addresses'),
			_('Serve the pages on these addresses. Left out: the LANs\' addresses. 127.0.0.1 always answers; LuCI needs it.'),
			{ datatype: 'ipaddr("nomask")' });
		add(s, form.DynamicList, 'host_name', _('Names'), _('More names by which the router is called in a browser.'),
			{ datatype: 'hostname', placeholder: 'stats.example.org' });
		add(s, form.Value, 'base', _('Path'), _('The pages\' path behind a reverse proxy.'), { validate: isBase, placeholder: '/duskwatch' });
		add(s, form.Value, 'password_file', _('Password file'), _('Administration from the pages is for who knows the password whose hash is in this file, which duskwatch --hash-password writes. It needs the group duskwatch and mode 640.'),
			{ validate: isPath, placeholder: '/etc/duskwatch/password' });
		o = add(s, form.ListValue, 'language', _('Language'), _('Left out: as the browser wishes.'));
		o.value('en', 'English');
		o.value('de', 'Deutsch');
		add(s, form.Value, 'css', _('Style sheet'), _('A file of your own, used after the program\'s.'), { validate: isPath, placeholder: '/etc/duskwatch/style.css' });
		flag(s, 'local_only', _('Local hosts only'), _('List only local hosts unless asked otherwise.'), false);
		flag(s, 'macs', _('MAC addresses'), _('Show them.'), true);
		flag(s, 'lastseen', _('Last seen'), _('Show when a host was last seen.'), true);

		s = section('names', _('Names'));
		flag(s, 'dns', _('Ask the DNS'), _('Beside the DHCP leases and the hosts file.'), true);
		add(s, form.DynamicList, 'leases', _('DHCP leases'), _('Lease files of dnsmasq. Left out: those that its own settings name.'), { validate: isPath, placeholder: '/tmp/dhcp.leases' });
		add(s, form.Value, 'hosts_file', _('Hosts file'), _('A file of addresses and names.'), { validate: isPath, placeholder: '/etc/hosts' });
		add(s, form.Value, 'ethers_file', _('Ethers file'), _('A file of MAC addresses and names.'), { validate: isPath, placeholder: '/etc/ethers' });

		s = map.section(form.GridSection, 'device', _('Devices'), _('Names of your own, and what a device may move in a month, with a warning at 80 and at 100 %.'));
		s.anonymous = true;
		s.addremove = true;
		add(s, form.Value, 'mac', _('MAC address'), _('The device\'s.'), { datatype: 'macaddr', optional: false, rmempty: false });
		add(s, form.Value, 'name', _('Name'), _('What the pages call it.'));
		add(s, form.Value, 'quota', _('Quota'), _('Bytes a month, received and sent; 1G is 1,000,000,000.'), { validate: isAmount, placeholder: '50G' });

		s = section('storage', _('Storage'));
		o = add(s, form.Value, 'dir', _('Directory'),
			_('Where snapshots are kept. /tmp is memory and ends with the power; flash memory wears a little with each snapshot; a USB disk is best.'),
			{ validate: isPath });
		o.value('/tmp/lib/duskwatch', _('In memory: lost with the power'));
		o.value('/etc/duskwatch', _('On the router\'s flash'));
		o = add(s, form.Value, 'interval', _('Time between snapshots'), _('After a power cut the time since the last one is missing.'),
			{ validate: isSpan });
		[ '30m', '1h', '6h', '1d' ].forEach(function(span) { o.value(span); });
		add(s, form.Value, 'flash_budget', _('Flash budget'), _('Write no more than this to flash memory in a day; snapshots become rarer instead.'),
			{ validate: isSize, placeholder: '5M' });
		add(s, form.Value, 'daylog', _('Day log'), _('Append a line of totals for each day to this file.'), { validate: isPath });

		s = section('darknet', _('Darknet'));
		flag(s, 'learn', _('Learn dark addresses'), _('Learn which addresses of the LANs nobody has, and find out who looks for them.'), true);
		flag(s, 'confirm', _('Ask for dark addresses'), _('When somebody looks for such an address, ask for it as well: a device that only keeps quiet answers, and then does not count.'), false);
		add(s, form.DynamicList, 'dark', _('Dark networks'), _('Networks that nobody uses. Whoever sends a packet there is shown, and told to the syslog server.'),
			{ datatype: 'cidr', placeholder: '192.168.1.192/26' });
		add(s, form.DynamicList, 'except', _('Exceptions'), _('Left out is what comes from or goes to a network, goes to a port, or is sent by a MAC address.'),
			{ placeholder: '192.168.1.9' });
		add(s, form.Value, 'rules', _('Rules'), _('A file of rules for such packets, in a subset of Snort\'s language.'),
			{ validate: isPath, placeholder: '/etc/duskwatch/dark.rules' });
		o = add(s, form.Value, 'evidence', _('Evidence'), _('Keep the packets to dark addresses in this directory, to download from the pages. Below /tmp they are in memory.'),
			{ validate: isEvidence });
		o.value('/tmp/lib/duskwatch-evidence', _('In memory: lost with the power'));
		o.value('none', _('Nothing'));
		add(s, form.Value, 'evidence_bytes', _('Most evidence'), _('The oldest goes. Left out: 256K, 1M or 4M, by the profile.'), { validate: isSize, placeholder: '1M' });
		add(s, form.Value, 'evidence_age', _('Age of evidence'), _('Nothing older than this is kept.'), { validate: isSpan, placeholder: '7d' });

		s = section('syslog', _('Syslog'));
		o = add(s, form.Value, 'target', _('Syslog server'), _('Who is told about packets to dark addresses.'), { validate: isTarget });
		o.value('system', _('The router\'s own syslog server, if it has one'));
		o.value('none', _('Nobody'));
		o = add(s, form.ListValue, 'format', _('Format'), _('How messages are written. Left out: RFC 5424 with key=value.'));
		o.value('rfc5424', 'RFC 5424');
		o.value('rfc3164', 'RFC 3164');
		o.value('cef', 'CEF');
		o.value('ecs', 'ECS (JSON)');
		o = add(s, form.ListValue, 'framing', _('Framing'), _('What separates messages over TCP.'));
		o.value('newline', _('A newline after each'));
		o.value('octets', _('The length before each'));

		s = section('ipfix', _('Flow records'));
		add(s, form.Value, 'target', _('Collector'), _('Records of all flows go there, as IPFIX. Left out: nowhere.'),
			{ validate: isCollector, placeholder: 'udp://192.168.1.5:4739' });

		s = section('memory', _('Memory'));
		o = add(s, form.ListValue, 'profile', _('Profile'), _('How much memory the tables take, once and for all, when the service starts.'),
			{ optional: false });
		o.value('auto', _('By the router\'s memory'));
		o.value('small', _('Small: 256 hosts'));
		o.value('normal', _('Normal: 1024 hosts'));
		o.value('large', _('Large: 4096 hosts'));
		add(s, form.Value, 'hosts_max', _('Hosts'), _('Rows for hosts on each interface. Goes before the profile, as do the next three.'), { datatype: 'range(1,65535)' });
		add(s, form.Value, 'ports_max', _('Ports'), _('Rows for ports on each interface.'), { datatype: 'range(1,65535)' });
		add(s, form.Value, 'devices_max', _('Devices'), _('Rows for devices on each LAN.'), { datatype: 'range(0,1024)' });
		add(s, form.Value, 'ring_size', _('Capture buffer'), _('Of each interface, 64K to 256M.'), { validate: isSize, placeholder: '1M' });
		add(s, form.Value, 'highest_port', _('Highest port'), _('No rows for ports above this one; their traffic still counts.'), { datatype: 'range(0,65535)' });

		s = section('advanced', _('Advanced'));
		add(s, form.Value, 'user', _('User'), _('The user that the service becomes. Left out: duskwatch if there is one, else nobody.'));
		add(s, form.Value, 'snaplen', _('Bytes of each frame'), _('How much of each frame is captured.'), { datatype: 'range(64,262144)', placeholder: '192' });

		return map.render();
	}
});
