# Sourced: installs the peers, of the versions that package.json and requirements.txt name, into $peers.
peers="${CARGO_TARGET_DIR:-$PWD/target}/peers"
mkdir -p "$peers"
cp benches/peers/package.json benches/peers/*.mjs "$peers"
[ -d "$peers/node_modules/sharp" ] || (cd "$peers" && npm install --silent --no-audit --no-fund)
[ -x "$peers/venv/bin/python" ] || python3 -m venv "$peers/venv"
"$peers/venv/bin/pip" install --quiet --disable-pip-version-check -r benches/peers/requirements.txt
