package main

// manSections is what the man page says and --help does not.
const manSections = `# EXIT STATUS
0: success. 1: it failed, or found something wrong. 2: the command line is wrong.

# FILES
**/etc/kea/kea-dhcp4.conf**
	the configuration, unless -c names another

**NAME.needletail**
	the directory of leases, beside the file NAME of the configuration's lease-database (default: /var/lib/kea/kea-leases4.csv)

**/run/kea/NAME**, **/var/log/kea/NAME**
	control socket and log files that the configuration names without a directory

# ENVIRONMENT
**KEA_DHCP_DATA_DIR**, **KEA_CONTROL_SOCKET_DIR**, **KEA_LOG_FILE_DIR**
	put and confine leases, control sockets and log files, unless -X is given, see kea-dhcp4(8)

**KEA_LOGGER_DESTINATION**
	where the log goes before and without loggers: stdout, stderr, syslog or a file
`
