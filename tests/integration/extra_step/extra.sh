# Input: packages. Parameter: heading. Output: report.
set -eu
cat /run/in/heading > /run/out/report
cut -f 1 /run/in/packages >> /run/out/report
