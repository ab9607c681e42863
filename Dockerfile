# Image of the stages on Kubeflow Pipelines and Vertex AI: docker build -t keras-pipeline .
# For workers of Dataflow: docker build --target dataflow -t keras-pipeline-dataflow .
# For GPUs: docker build --build-arg BASE=nvidia/cuda:12.9.1-cudnn-runtime-ubuntu24.04 -t keras-pipeline-cuda .
# The base needs glibc 2.39, as in Debian 13. Only the first stage has the compiler; none has linters and tests. Everything in
# /app belongs to root: stages read it and write elsewhere.
ARG BASE=debian:trixie-slim
FROM ${BASE} AS packages
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates g++ python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY pyproject.toml uv.lock ./
COPY orchestration/setup/install.py orchestration/setup/
RUN python3 orchestration/setup/install.py --stack current --runtime

FROM ${BASE} AS stages
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home pipeline
WORKDIR /app
COPY --from=packages /app/.venv .venv
COPY . .
ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app LANG=C.UTF-8
USER pipeline
CMD ["python", "runner.py", "--help"]

# Dataflow starts its workers with Beam's boot program, of the Python and Beam in uv.lock.
FROM stages AS dataflow
COPY --from=apache/beam_python3.13_sdk:2.77.0 /opt/apache/beam/boot /opt/apache/beam/boot
ENTRYPOINT ["/opt/apache/beam/boot"]

FROM stages
