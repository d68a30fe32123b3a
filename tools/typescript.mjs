// node --import: lets Node run our TypeScript, on worker threads too (tsx's own entry registers on the main thread only).
import { register } from 'tsx/esm/api';

register();
