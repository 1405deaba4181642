# gantry for functions in AWS Lambda or behind HTTP, and for those of Go that are built
# static: there is no interpreter and no shell in here. For functions in Python, Node.js
# or Java, copy /gantry into an image that has theirs.
#
#   docker build --build-arg VERSION=1.2.3 --build-arg COMMIT=$(git rev-parse HEAD) -t gantry .
#   docker run -v ./gantry.yaml:/etc/gantry/gantry.yaml:ro -v gantry-data:/data gantry
FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=0.0.0-dev COMMIT="" DATE="" TARGETOS TARGETARCH
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -trimpath -buildvcs=false \
      -ldflags "-s -w -buildid= -X main.release=${VERSION} -X main.commit=${COMMIT} -X main.dated=${DATE}" \
      -o /gantry ./cmd/gantry \
 && mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /gantry /gantry
COPY --from=build --chown=65532:65532 --chmod=0700 /data /data
VOLUME ["/data"]
WORKDIR /data
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["/gantry"]
CMD ["serve", "-c", "/etc/gantry/gantry.yaml", "--data-dir", "/data"]
