# The command line in a container: no shell tools of ours, no root, no secrets, every version named.
#
#   docker build --tag s3-xfer .
#   docker run --rm s3-xfer copy --help
#
# For builds that are the same to the byte, give the base image by its digest:
#   docker build --build-arg PYTHON_IMAGE=python@sha256:... .
ARG PYTHON_IMAGE=python:3.13.9-slim-trixie

FROM ${PYTHON_IMAGE} AS build
WORKDIR /source
COPY pyproject.toml setup.cfg README.md LICENSE ./
COPY container container
COPY docs/runbook.md docs/runbook.md
COPY s3_xfer s3_xfer
RUN container/install.sh /opt/s3-xfer

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/s3-xfer /opt/s3-xfer
# Numeric, so that Kubernetes can see that it is not root. The home is for ~/.aws and reports.
RUN useradd --uid 10001 --create-home --home-dir /work copier
USER 10001:10001
WORKDIR /work
ENV PATH=/opt/s3-xfer/bin:$PATH \
    PYTHONUNBUFFERED=1
# Python is process 1 and gets SIGTERM itself: it stops in order and writes its report.
ENTRYPOINT ["s3-xfer"]
CMD ["--help"]
