#!/bin/sh
# Makes the stores and keys beside it, with keytool (JDK 17) and openssl (3.0): one
# certificate authority, one identity it signed, in every form the package reads.
set -e
cd "$(dirname "$0")"
rm -f ./*.jks ./*.p12 ./*.pem ./*.jceks
P=changeit
legacy="-J-Dkeystore.pkcs12.legacy"
new() { openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$1.pem" -out csr 2>/dev/null; }
openssl req -x509 -newkey rsa:2048 -nodes -days 36500 -subj /CN=ca -keyout ca-key -out ca.pem 2>/dev/null
new identity
openssl x509 -req -in csr -CA ca.pem -CAkey ca-key -days 36500 -set_serial 2 -out cert.pem 2>/dev/null
cat cert.pem ca.pem >chain.pem
mv identity.pem plain.pem

# keys: PBES1 with every scheme openssl has, PBES2 with ciphers, PRFs and scrypt, the old form
W='pä sswort'
for v in PBE-MD5-DES PBE-SHA1-DES PBE-MD5-RC2-64 PBE-SHA1-RC2-64 PBE-SHA1-RC4-128 PBE-SHA1-RC4-40 PBE-SHA1-3DES PBE-SHA1-2DES PBE-SHA1-RC2-128 PBE-SHA1-RC2-40; do
	openssl pkcs8 -topk8 -in plain.pem -v1 $v -passout "pass:$W" -provider legacy -provider default -out key-$v.pem
done
for c in aes-128-cbc aes-192-cbc aes-256-cbc des3; do openssl pkcs8 -topk8 -in plain.pem -v2 $c -passout "pass:$W" -out key-$c.pem; done
openssl pkcs8 -topk8 -in plain.pem -v2 des-cbc -passout "pass:$W" -provider legacy -provider default -out key-des-cbc.pem
for h in SHA1 SHA224 SHA256 SHA384 SHA512; do
	openssl pkcs8 -topk8 -in plain.pem -v2 aes-256-cbc -v2prf hmacWith$h -passout "pass:$W" -out key-hmac-$h.pem
done
openssl pkcs8 -topk8 -in plain.pem -scrypt -passout "pass:$W" -out key-scrypt.pem
for c in aes128 aes256 des3; do openssl rsa -in plain.pem -traditional -$c -passout "pass:$W" -out key-traditional-$c.pem 2>/dev/null; done
openssl ecparam -name prime256v1 -genkey -noout | openssl ec -aes256 -passout "pass:$W" -out ec-traditional.pem 2>/dev/null

# identities
openssl pkcs12 -export -inkey plain.pem -in chain.pem -name me -passout pass:$P -out openssl.p12
openssl pkcs12 -export -inkey plain.pem -in chain.pem -name me -passout pass:$P -legacy -out openssl-legacy.p12
k() { keytool "$@" -noprompt 2>/dev/null; }
k -importkeystore -srckeystore openssl.p12 -srcstorepass $P -destkeystore keytool.p12 -deststoretype PKCS12 -deststorepass $P
k -importkeystore -srckeystore openssl.p12 -srcstorepass $P -destkeystore keytool-legacy.p12 -deststoretype PKCS12 -deststorepass $P $legacy
k -importkeystore -srckeystore openssl.p12 -srcstorepass $P -destkeystore keytool.jks -deststoretype JKS -deststorepass $P
k -importkeystore -srckeystore openssl.p12 -srcstorepass $P -destkeystore own-password.jks -deststoretype JKS -deststorepass $P -destkeypass "$W" -srcalias me
k -importkeystore -srckeystore openssl.p12 -srcstorepass $P -destkeystore umlaut.jks -deststoretype JKS -deststorepass "$W"
k -importkeystore -srckeystore openssl.p12 -srcstorepass $P -destkeystore keytool.jceks -deststoretype JCEKS -deststorepass $P
# as Kafka's own security page makes a client's store: its root beside the key
for s in jks p12; do
	k -importcert -alias aaa-root -file ca.pem -keystore with-root.$s -storetype $([ $s = jks ] && echo JKS || echo PKCS12) -storepass $P
	k -importkeystore -srckeystore openssl.p12 -srcstorepass $P -destkeystore with-root.$s -deststorepass $P
done
cp keytool.jks two-keys.jks
k -importkeystore -srckeystore openssl.p12 -srcstorepass $P -destkeystore two-keys.jks -deststorepass $P -srcalias me -destalias other
cp keytool.p12 two-keys.p12
k -importkeystore -srckeystore openssl.p12 -srcstorepass $P -destkeystore two-keys.p12 -deststorepass $P -srcalias me -destalias other

# what is trusted
k -importcert -alias root -file ca.pem -keystore trust.jks -storetype JKS -storepass $P
k -importcert -alias root -file ca.pem -keystore trust.p12 -storetype PKCS12 -storepass $P
k -importcert -alias root -file ca.pem -keystore trust-legacy.p12 -storetype PKCS12 -storepass $P $legacy
openssl pkcs12 -export -nokeys -in ca.pem -passout pass:$P -out trust-unmarked.p12
rm -f csr ca-key
