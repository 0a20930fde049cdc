# The environment's Python, wherever venv put it, for make and for commit hooks: sh tools/python.sh -m nox -l
for python in .venv/bin/python .venv/Scripts/python.exe; do
    if [ -x "$python" ]; then
        exec "$python" "$@"
    fi
done
echo "There is no .venv yet: run python tools/install.py" >&2
exit 1
