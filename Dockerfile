# Both programs in a small image without a compiler; see docs/operations.md.
#   docker build .                     everything: image-tool with a worker inside, and image-tool-worker
#   docker build --target web .        only image-tool, with no code that decodes pictures
#   docker build --target worker .     only image-tool-worker
FROM rust:1.94-slim-bookworm AS source
WORKDIR /src
COPY . .

# AVIF is written by libaom here, several times as fast as by what builds with Rust alone (docs/speed.md).
FROM source AS source-and-tools
RUN apt-get update && apt-get install --yes --no-install-recommends cmake g++ make nasm perl

FROM source-and-tools AS build-all
RUN cargo build --release --locked --package api --package worker --features api/avif-fast

FROM source AS build-web
RUN cargo build --release --locked --package api --no-default-features

FROM source-and-tools AS build-worker
RUN cargo build --release --locked --package worker --features worker/avif-fast

FROM debian:bookworm-slim AS base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data image-tool \
    && install --directory --owner=image-tool --mode=0700 /data /store
USER image-tool
WORKDIR /data
ENV DATA_DIR=/data

FROM base AS worker
COPY --from=build-worker /src/target/release/image-tool-worker /usr/local/bin/
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["image-tool-worker", "health"]
CMD ["image-tool-worker"]

FROM base AS web
COPY --from=build-web /src/target/release/image-tool /usr/local/bin/
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["image-tool", "health"]
CMD ["image-tool", "serve"]

FROM base AS all
COPY --from=build-all /src/target/release/image-tool /src/target/release/image-tool-worker /usr/local/bin/
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["image-tool", "health"]
CMD ["image-tool", "serve"]
