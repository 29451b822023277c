# The runtime stage of Dockerfile with binaries that are built already; the context is their folder.
# A Dockerfile of its own, because the classic builder would want the folder for every other build.
#
#   docker build -f deploy/docker/Dockerfile --target runtime -t farad-runtime .
#   docker build -f deploy/docker/prebuilt.Dockerfile -t farad FOLDER

ARG RUNTIME=farad-runtime
FROM ${RUNTIME}

COPY . /usr/bin/
