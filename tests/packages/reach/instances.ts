/**
 * What a plugin makes with each package, beside what the package exports: code that finds the package as `m` and gives
 * an object of things.
 * @module
 */

/** By the name of the module; the rest export all that there is. */
export const INSTANCES: Record<string, string> = {
  "@google-cloud/bigquery":
    `const client = new m.BigQuery({ projectId: 'p', credentials: { client_email: 'a', private_key: 'b' } })
    const table = client.dataset('d').table('t')
    return { client, table, error: await table.getMetadata().catch((e) => e), stream: table.createReadStream() }`,
  "@google-cloud/pubsub":
    `const client = new m.PubSub({ projectId: 'p', apiEndpoint: '10.0.0.1:1', emulatorMode: true, credentials: { client_email: 'a', private_key: 'b' } })
    const topic = client.topic('t'); const subscription = client.subscription('s')
    return { client, topic, subscription, publisher: topic.publisher, raw: new m.v1.PublisherClient({ projectId: 'p' }) }`,
  "@google-cloud/storage":
    `const client = new m.Storage({ projectId: 'p', credentials: { client_email: 'a', private_key: 'b' }, retryOptions: { autoRetry: false } })
    const file = client.bucket('b').file('f')
    return { client, file, error: await file.save('x', { resumable: false }).catch((e) => e), write: file.createWriteStream({ resumable: false }) }`,
  "@posthog/plugin-contrib":
    `const buffer = m.createBuffer({ limit: 10, onFlush() {} }); buffer.add({}, 1); return { buffer }`,
  "aws-sdk":
    `const s3 = new m.S3({ accessKeyId: 'a', secretAccessKey: 'b', endpoint: 'http://10.0.0.1', maxRetries: 0 })
    const request = s3.putObject({ Bucket: 'b', Key: 'k', Body: 'x' })
    return { s3, request, upload: s3.upload({ Bucket: 'b', Key: 'k', Body: 'x' }), error: await request.promise().catch((e) => e), sqs: new m.SQS({ region: 'eu-central-1' }) }`,
  "crypto":
    `return { hash: m.createHash('sha1'), cipher: m.createCipheriv('aes-256-cbc', Buffer.alloc(32), Buffer.alloc(16)), key: m.createSecretKey(Buffer.alloc(32)) }`,
  "ethers": `const wallet = m.Wallet.createRandom()
    return { wallet, provider: new m.providers.JsonRpcProvider('http://10.0.0.1'), contract: new m.Contract(wallet.address, ['function f()'], wallet) }`,
  "generic-pool":
    `const pool = m.createPool({ create: async () => ({}), destroy: async () => {} }, { evictionRunIntervalMillis: 60000, acquireTimeoutMillis: 60000, max: 1 })
    await pool.acquire(); const waiting = pool.acquire(); return { pool, waiting }`,
  "jsonwebtoken":
    `let error; try { m.verify('x', 'y') } catch (e) { error = e } return { token: m.sign({}, 'x'), error }`,
  "node-fetch": `const error = await m('http://10.0.0.1/').catch((e) => e)
    return { error, body: new m.Response(require('stream').PassThrough()).body, request: new m.Request('http://a/'), headers: new m.Headers() }`,
  // To an address that the egress rules allow, and the test does not.
  "pg": `const client = new m.Client({ host: '10.0.0.1' }); const refused = await client.connect().catch((e) => e)
    const under = new m.Client({ host: '8.8.8.8' }); under.on('error', () => {}); under.connect(() => {}); const stream = under.connection.stream
    const secure = new m.Client({ host: '8.8.8.8', ssl: true }); secure.on('error', () => {}); secure.connect(() => {})
    return { client, refused, under, handle: stream._handle, secure, pool: new m.Pool({ host: '10.0.0.1' }), failed: await new m.Pool({ host: '10.0.0.1' }).query('x').catch((e) => e) }`,
  "snowflake-sdk":
    `const connection = m.createConnection({ account: 'a', accessUrl: 'http://10.0.0.1', username: 'u', password: 'p', sfRetryMaxLoginRetries: 0 })
    return { connection, pool: m.createPool({ account: 'a', username: 'u', password: 'p' }, { max: 1, min: 0 }) }`,
  "stream": `return { pass: new m.PassThrough() }`,
  "zlib": `return { gzip: m.createGzip() }`,
};
