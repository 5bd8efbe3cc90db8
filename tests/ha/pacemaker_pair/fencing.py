"""A fence agent for the power switch of a pair (pair/power.py), as Pacemaker's fencer calls one: NAME=VALUE lines on
stdin (Fence Agent API)."""

from __future__ import annotations

from pair import power

PATH = "/usr/sbin/fence_lab"

_METADATA = """<?xml version="1.0"?>
<resource-agent name="fence_lab" shortdesc="Power switch of the lab">
<longdesc>Ends a host of the lab.</longdesc>
<vendor-url>about:blank</vendor-url>
<parameters>
<parameter name="action" unique="0" required="1"><content type="string" default="reboot"/>
<shortdesc lang="en">What to do</shortdesc></parameter>
<parameter name="ip" unique="0" required="1"><content type="string"/>
<shortdesc lang="en">Address of the switch</shortdesc></parameter>
<parameter name="plug" unique="0" required="1"><content type="string"/>
<shortdesc lang="en">Where the host is plugged in</shortdesc></parameter>
</parameters>
<actions><action name="on" automatic="0"/><action name="off"/><action name="reboot"/><action name="status"/>
<action name="monitor"/><action name="metadata"/></actions>
</resource-agent>"""

AGENT = f"""#!/bin/bash
while IFS='=' read -r name value; do
    case $name in action | ip | plug) declare "$name=$value" ;; esac
done
case $action in
metadata) cat <<'XML'
{_METADATA}
XML
    ;;
off | reboot)
    exec 3<>"/dev/tcp/$ip/{power.PORT}" && read -r -t 10 ready <&3 || exit 1
    echo "$action $plug" >&3
    read -r -t 10 answer <&3
    [ "$answer" = done ] ;;
*) exec 3<>"/dev/tcp/$ip/{power.PORT}" ;;
esac
"""
