// Package deploy checks what example/ says about deployment by the programs that read it: gcloud, and the Firebase CLI.
package deploy
