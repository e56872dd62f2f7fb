package config

import (
	"strconv"
	"strings"
)

// The options everybody knows, one a line: code, name, type, and the space it
// encapsulates if any. [] is an array, () a record. Names and types are Kea's
// (Kea: std_option_defs.h, docsis3_option_defs.h; RFC 2132 and the IANA
// registry of BOOTP and DHCP parameters).

const dhcp4Options = `
1 subnet-mask ipv4-address
2 time-offset int32
3 routers ipv4-address[]
4 time-servers ipv4-address[]
5 name-servers ipv4-address[]
6 domain-name-servers ipv4-address[]
7 log-servers ipv4-address[]
8 cookie-servers ipv4-address[]
9 lpr-servers ipv4-address[]
10 impress-servers ipv4-address[]
11 resource-location-servers ipv4-address[]
12 host-name string
13 boot-size uint16
14 merit-dump string
15 domain-name string
16 swap-server ipv4-address
17 root-path string
18 extensions-path string
19 ip-forwarding boolean
20 non-local-source-routing boolean
21 policy-filter ipv4-address[]
22 max-dgram-reassembly uint16
23 default-ip-ttl uint8
24 path-mtu-aging-timeout uint32
25 path-mtu-plateau-table uint16[]
26 interface-mtu uint16
27 all-subnets-local boolean
28 broadcast-address ipv4-address
29 perform-mask-discovery boolean
30 mask-supplier boolean
31 router-discovery boolean
32 router-solicitation-address ipv4-address
33 static-routes ipv4-address[]
34 trailer-encapsulation boolean
35 arp-cache-timeout uint32
36 ieee802-3-encapsulation boolean
37 default-tcp-ttl uint8
38 tcp-keepalive-interval uint32
39 tcp-keepalive-garbage boolean
40 nis-domain string
41 nis-servers ipv4-address[]
42 ntp-servers ipv4-address[]
43 vendor-encapsulated-options empty vendor-encapsulated-options-space
44 netbios-name-servers ipv4-address[]
45 netbios-dd-server ipv4-address[]
46 netbios-node-type uint8
47 netbios-scope string
48 font-servers ipv4-address[]
49 x-display-manager ipv4-address[]
50 dhcp-requested-address ipv4-address
51 dhcp-lease-time uint32
52 dhcp-option-overload uint8
53 dhcp-message-type uint8
54 dhcp-server-identifier ipv4-address
55 dhcp-parameter-request-list uint8[]
56 dhcp-message string
57 dhcp-max-message-size uint16
58 dhcp-renewal-time uint32
59 dhcp-rebinding-time uint32
60 vendor-class-identifier string
61 dhcp-client-identifier binary
62 nwip-domain-name string
63 nwip-suboptions binary
64 nisplus-domain-name string
65 nisplus-servers ipv4-address[]
66 tftp-server-name string
67 boot-file-name string
68 mobile-ip-home-agent ipv4-address[]
69 smtp-server ipv4-address[]
70 pop-server ipv4-address[]
71 nntp-server ipv4-address[]
72 www-server ipv4-address[]
73 finger-server ipv4-address[]
74 irc-server ipv4-address[]
75 streettalk-server ipv4-address[]
76 streettalk-directory-assistance-server ipv4-address[]
77 user-class binary
78 slp-directory-agent (boolean,ipv4-address)[]
79 slp-service-scope (boolean,string)
81 fqdn (uint8,uint8,uint8,fqdn)
82 dhcp-agent-options empty dhcp-agent-options-space
85 nds-servers ipv4-address[]
86 nds-tree-name string
87 nds-context string
88 bcms-controller-names fqdn[]
89 bcms-controller-address ipv4-address[]
90 authenticate binary
91 client-last-transaction-time uint32
92 associated-ip ipv4-address[]
93 client-system uint16[]
94 client-ndi (uint8,uint8,uint8)
97 uuid-guid (uint8,binary)
98 uap-servers string
99 geoconf-civic binary
100 pcode string
101 tcode string
108 v6-only-preferred uint32
112 netinfo-server-address ipv4-address[]
113 netinfo-server-tag string
114 v4-captive-portal string
116 auto-config uint8
117 name-service-search uint16[]
118 subnet-selection ipv4-address
119 domain-search fqdn[]
121 classless-static-route static-routes
122 cablelabs-client-conf empty cablelabs-client-conf
124 vivco-suboptions (uint32,binary)
125 vivso-suboptions uint32
136 pana-agent ipv4-address[]
137 v4-lost fqdn
138 capwap-ac-v4 ipv4-address[]
141 sip-ua-cs-domains fqdn[]
143 v4-sztp-redirect tuple[]
146 rdnss-selection (uint8,ipv4-address,ipv4-address,fqdn)[]
151 status-code (uint8,string)
152 base-time uint32
153 start-time-of-state uint32
154 query-start-time uint32
155 query-end-time uint32
156 dhcp-state uint8
157 data-source uint8
159 v4-portparams (uint8,psid)
162 v4-dnr dnr
212 option-6rd (uint8,uint8,ipv6-address,ipv4-address)[]
213 v4-access-domain fqdn
`

// ianaOptions are registered with IANA but have no name in Kea. A configuration
// may define them itself.
const ianaOptions = `
80 rapid-commit empty
83 isns binary
95 ldap string
109 dhcp4o6-s46-saddr ipv6-address
120 sip-servers binary
123 geoconf binary
139 ipv4-address-mos binary
140 ipv4-fqdn-mos binary
142 ipv4-address-andsf ipv4-address[]
144 geoloc binary
145 forcerenew-nonce-capable uint8[]
147 v4-dots-ri fqdn
148 v4-dots-address ipv4-address[]
150 tftp-server-address ipv4-address[]
158 v4-pcp-server binary
161 mud-url-v4 string
208 pxelinux-magic binary
209 config-file string
210 path-prefix string
211 reboot-time uint32
220 subnet-allocation binary
221 virtual-subnet-selection binary
`

// agentOptions are sub-options of option 82 (RFC 3046 and its successors).
const agentOptions = `
1 circuit-id binary
2 remote-id binary
4 docsis-device-class uint32
5 link-selection ipv4-address
6 subscriber-id string
7 radius binary
8 auth binary
9 vendor-specific-info binary
10 relay-flags uint8
11 server-id-override ipv4-address
12 relay-id binary
13 access-techno-type uint16
14 access-network-name string
15 access-point-name string
16 access-point-bssid binary
17 operator-id uint32
18 operator-realm string
19 relay-port uint16
151 virtual-subnet-select binary
152 virtual-subnet-select-ctrl empty
`

// cablelabsOptions are sub-options of option 122 (RFC 3495, 3594, 3634).
const cablelabsOptions = `
1 tsp-primary-server ipv4-address
2 tsp-secondary-server ipv4-address
4 tsp-as-parameters (uint32,uint32,uint32)
5 tsp-ap-parameters (uint32,uint32,uint32)
6 tsp-realm fqdn
7 tsp-use-tgt boolean
8 tsp-provisioning-timer uint8
9 tsp-sct uint16
10 kdc-server ipv4-address[]
`

// docsisOptions are CableLabs' vendor options (enterprise 4491).
const docsisOptions = `
1 oro uint8[]
2 tftp-servers ipv4-address[]
`

// parseOptions reads one of the tables above.
func parseOptions(space, table string) []OptionDef {
	var defs []OptionDef
	for line := range strings.Lines(strings.TrimSpace(table)) {
		words := strings.Fields(line)
		code, err := strconv.ParseUint(words[0], 10, 8)
		if err != nil {
			panic("config: option table: " + line)
		}
		d := OptionDef{Space: space, Name: words[1], Code: uint8(code), Type: words[2]}
		d.Type, d.Array = strings.CutSuffix(d.Type, "[]")
		if fields, ok := strings.CutPrefix(d.Type, "("); ok {
			d.Type, d.RecordTypes = "record", strings.Split(strings.TrimSuffix(fields, ")"), ",")
		}
		if len(words) > 3 {
			d.Encapsulates = words[3]
		}
		defs = append(defs, d)
	}
	return defs
}
