// Command s3d is the object store of a rehearsal: Versity's S3 gateway over a folder.
//
// It is a module of its own, because the gateway wants other versions of what Kubernetes wants too. The gateway's own
// program has back ends for several clouds besides, which would triple the time that it takes to build.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// largestCopy is the size in bytes up to which S3 copies an object in one request. Without it no object can be copied, and
// the engine copies its state into the history of each run.
const largestCopy = 5 << 30

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: s3d ADDRESS FOLDER KEYS; KEYS is a file with the access key and the secret, a line each")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintf(os.Stderr, "s3d: %v\n", err)
		os.Exit(1)
	}
}

func serve(address, folder, keys string) error {
	access, secret, err := read(keys)
	if err != nil {
		return err
	}
	// Beside the objects, not in attributes of the files: not every file system has those.
	beside := filepath.Join(filepath.Dir(filepath.Clean(folder)), "attributes")
	if err := os.MkdirAll(beside, 0o700); err != nil {
		return err
	}
	store, err := meta.NewSideCar(beside)
	if err != nil {
		return err
	}
	files, err := posix.New(folder, store, posix.PosixOpts{
		SideCarDir:          beside,
		NewDirPerm:          0o700,
		NewFilePerm:         0o600,
		Concurrency:         64,
		CopyObjectThreshold: largestCopy,
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return embedgw.RunVersityGW(ctx, files, &embedgw.Config{
		RootUserAccess:    access,
		RootUserSecret:    secret,
		Region:            "us-east-1",
		Ports:             []string{address},
		MaxConnections:    1000,
		MaxRequests:       500,
		MultipartMaxParts: 10000,
		KeepAlive:         true,
		Quiet:             true,
	})
}

func read(path string) (access, secret string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", "", err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Scan()
	access = lines.Text()
	lines.Scan()
	secret = lines.Text()
	if access == "" || secret == "" {
		return "", "", fmt.Errorf("%s does not hold two lines", path)
	}
	return access, secret, lines.Err()
}
