// Runs a Node.js function for Lambda's Runtime API, with Node's own modules only.
//
// The error documents, the context object and the log format are those of AWS's own
// runtime client, which is used instead of this file where it is installed. Handlers may
// be async, return promises or take a callback (up to Node.js 22, as in Lambda), from
// CommonJS or ES modules. Streamed responses are not supported.

import http from 'node:http';
import fs from 'node:fs';
import path from 'node:path';
import util from 'node:util';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

let requestId = '';

function call(method, part, body, headers = {}) {
  return new Promise((resolve, reject) => {
    if (body !== undefined) headers['Content-Length'] = Buffer.byteLength(body);
    const options = { host, port, method, agent, headers, path: '/2018-06-01/runtime/' + part };
    const request = http.request(options, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const answer = Buffer.concat(chunks).toString();
        if (response.statusCode !== (method === 'GET' ? 200 : 202)) {
          reject(new Error(`the Runtime API answered ${response.statusCode} to ${part}: ${answer}`));
        } else {
          resolve({ headers: response.headers, body: answer });
        }
      });
    });
    request.on('error', reject);
    request.setNoDelay(true);
    request.end(body);
  });
}

// Errors. The name of a class is the errorType that Lambda shows.

function fault(name, message) {
  const error = new Error(message);
  error.name = 'Runtime.' + name;
  return error;
}

function document(error) {
  if (!util.types.isNativeError(error) && !(error instanceof Error)) {
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  }
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack || '').split('\n') };
}

function typeHeader(doc) {
  return { 'Content-Type': 'application/json', 'Lambda-Runtime-Function-Error-Type': String(doc.errorType).replace(/[^\x20-\x7e]/g, '?') };
}

function withDetails(error) {
  const { errorType, errorMessage, trace } = document(error);
  return JSON.stringify({ errorType, errorMessage, ...(error && typeof error === 'object' ? error : {}), stack: trace });
}

// Logs: time, request id, level and message, separated by tabs. A message of several
// lines stays one line, with carriage returns, as Lambda writes it.

function patchConsole() {
  const writer = (level) => (...args) => {
    const text = `${new Date().toISOString()}\t${requestId || 'undefined'}\t${level}\t${util.format(...args)}`;
    fs.writeSync(1, text.replace(/\n/g, '\r') + '\n');
  };
  console.log = console.info = writer('INFO');
  console.debug = writer('DEBUG');
  console.warn = writer('WARN');
  console.error = writer('ERROR');
  console.trace = writer('TRACE');
}

// The handler: file.name, with folders before the file and dots within the name.

const require = createRequire(path.join(process.env.LAMBDA_TASK_ROOT, 'handler'));

async function load(file) {
  for (const extension of ['', '.js', '.mjs', '.cjs']) {
    const found = file + extension;
    if (!fs.existsSync(found) || fs.statSync(found).isDirectory()) continue;
    return extension === '.mjs' ? import(pathToFileURL(found)) : loadScript(found);
  }
  try {
    return require(file); // a folder with an index
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND' || fs.existsSync(file)) throw error;
    throw Object.assign(new Error(`Cannot find module '${path.basename(file)}'\nRequire stack:\n- ${import.meta.filename ?? process.argv[1]}`), { code: error.code });
  }
}

// A .js file is whatever its package.json says, and may import modules that only import()
// can load.
async function loadScript(file) {
  try {
    return require(file);
  } catch (error) {
    const esm = error.code === 'ERR_REQUIRE_ESM' || error.code === 'ERR_REQUIRE_ASYNC_MODULE'
      || (error instanceof SyntaxError && /import statement|'export'|import\.meta|await is only/.test(error.message) && isModule(file));
    if (!esm) throw error;
    return import(pathToFileURL(file));
  }
}

function isModule(file) {
  for (let dir = path.dirname(file); ; dir = path.dirname(dir)) {
    const manifest = path.join(dir, 'package.json');
    if (fs.existsSync(manifest)) return JSON.parse(fs.readFileSync(manifest)).type === 'module';
    if (dir === path.dirname(dir)) return false;
  }
}

async function findHandler(name) {
  if (name.includes('..')) {
    throw fault('MalformedHandlerName', `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const base = path.basename(name);
  const dot = base.indexOf('.');
  if (dot < 1 || dot === base.length - 1) throw fault('MalformedHandlerName', 'Bad handler');
  const file = path.resolve(process.env.LAMBDA_TASK_ROOT, path.dirname(name), base.slice(0, dot));
  let module;
  try {
    module = await load(file);
  } catch (error) {
    if (error instanceof SyntaxError) throw Object.assign(fault('UserCodeSyntaxError', String(error)), { stack: error.stack });
    if (['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(error?.code)) throw fault('ImportModuleError', String(error));
    throw error;
  }
  const member = (object) => base.slice(dot + 1).split('.').reduce((o, key) => o?.[key], object);
  const handler = member(module) ?? member(module.default);
  if (handler === undefined) throw fault('HandlerNotFound', `${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw fault('HandlerNotFound', `${name} is not a function`);
  return checkCallback(handler);
}

function checkCallback(handler) {
  const version = /nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV || '');
  if (handler.length >= 3 && version && Number(version[1]) >= 24) {
    throw fault('CallbackHandlerDeprecated', 'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.');
  }
  return handler;
}

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const client = headers['lambda-runtime-client-context'];
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    clientContext: client ? JSON.parse(client) : undefined,
    identity: undefined,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

// run settles with what the handler returns or throws, or gives to its callback. With
// callbackWaitsForEmptyEventLoop a callback's result is sent only when nothing is left
// to do, as in Lambda.
function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    let waiting = true;
    const after = (settle) => {
      if (!waiting) return;
      waiting = false;
      if (context.callbackWaitsForEmptyEventLoop) process.once('beforeExit', settle);
      else setImmediate(settle);
    };
    const callback = (error, result) =>
      after(() => (error === null || error === undefined ? resolve(result) : reject(error)));
    context.done = callback;
    context.succeed = (result) => callback(null, result);
    context.fail = (error) => callback(error ?? 'handled');
    const returned = handler(event, context, callback);
    if (typeof returned?.then === 'function') {
      waiting = false;
      returned.then(resolve, reject);
    } else if (handler.length < 3 && waiting) {
      // Neither a promise nor a callback: the answer is null once nothing is left to do.
      process.once('beforeExit', () => resolve(null));
    }
  });
}

function encode(result) {
  try {
    return JSON.stringify(result === undefined ? null : result) ?? 'null';
  } catch (error) {
    throw fault('JSONStringifyError', 'Unable to stringify response body as json: ' + error.message);
  }
}

async function serve(handler) {
  for (;;) {
    const { headers, body } = await call('GET', 'invocation/next');
    requestId = headers['lambda-runtime-aws-request-id'];
    process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? '';
    const same = { 'Lambda-Runtime-Invocation-Id': headers['lambda-runtime-invocation-id'] ?? '', 'Content-Type': 'application/json' };
    let answer;
    try {
      answer = encode(await run(handler, JSON.parse(body), contextOf(headers)));
    } catch (error) {
      const doc = document(error);
      console.error('Invoke Error', '\t' + withDetails(error));
      await call('POST', `invocation/${requestId}/error`, JSON.stringify(doc), { ...same, ...typeHeader(doc) });
      continue;
    }
    await call('POST', `invocation/${requestId}/response`, answer, same);
  }
}

// fatal reports what nobody caught and ends the process: its state is unknown.
async function fatal(error, status, label) {
  console.error(label, '\t' + withDetails(error));
  const doc = document(error);
  try {
    await call('POST', requestId ? `invocation/${requestId}/error` : 'init/error', JSON.stringify(doc), typeHeader(doc));
  } finally {
    process.exit(status);
  }
}

patchConsole();
process.on('uncaughtException', (error) => fatal(error, 129, 'Uncaught Exception'));
process.on('unhandledRejection', (reason, promise) => {
  const error = fault('UnhandledPromiseRejection', reason instanceof Error ? String(reason) : util.format(reason));
  error.reason = reason;
  error.promise = util.format(promise);
  fatal(error, 128, 'Unhandled Promise Rejection');
});

let handler;
try {
  handler = await findHandler(process.env._HANDLER);
} catch (error) {
  await fatal(error, 1, 'Init Error');
}
await serve(handler);
