// Package python tries echofirestore with the Python package that it shares its documents with: an aiohttp application
// and an Echo application on the same Firestore, and one browser that uses both.
//
//	go test -v ./python                                  # prints the tables of behaviours
//	../scripts/with-emulator.sh go test -v ./python      # the same on the official emulator
//	go test ./python -run Golden -update                 # writes testdata/golden/python-* of the library
//
// It takes Python 3.12 or later, with its venv module: the one in the environment variable PYTHON, or the first that
// is found on the PATH or with pyenv. What app.py needs is installed from PyPI into virtual environments in the user's
// cache directory, once for each requirements file.
package python
