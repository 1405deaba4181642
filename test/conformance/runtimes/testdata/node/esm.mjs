import { hostname } from 'node:os';

const started = await Promise.resolve(hostname());

export const handler = async (event) => ({ ...event, esm: started.length > 0 });
